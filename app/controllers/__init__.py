"""Use cases: plain functions that take a store and an actor. No Flask, no pymongo, and none calls another."""
