"""The receiver: what C-MOVE brings lies durable in its spool until whoever announced it has it."""
