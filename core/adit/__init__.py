"""The library: DICOM and our nouns; it knows nothing of the programs that use it."""
