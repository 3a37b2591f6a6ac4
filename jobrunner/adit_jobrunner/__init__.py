"""One TaskSet in, images moved: drives the pipeline and reports what happened."""
