"""One file per way of speaking to a peer, behind one protocol; DICOM errors are translated here."""
