"""The pipeline that moves studies: fetch, policy, rewrite, store, verify."""
