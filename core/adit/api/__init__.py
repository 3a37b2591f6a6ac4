"""The nouns a user may write: one pydantic model per kind, the source of CRDs and validation."""
