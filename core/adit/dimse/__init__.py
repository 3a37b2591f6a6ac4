"""The DICOM upper layer and DIMSE on blocking sockets: the data path that encoded instances take, never decoded."""
