"""The product's version, in the one place from which pages, logs and documentation take it."""

VERSION = "0.1.0"
