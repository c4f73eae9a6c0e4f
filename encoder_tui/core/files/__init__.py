"""Files: reading and writing them safely, and the formats that hold tensors."""
