"""Things and stuff in one map."""
