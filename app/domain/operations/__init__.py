"""Staff operations that may need a second person: each is complete in itself, can be shown, kept and executed later."""
