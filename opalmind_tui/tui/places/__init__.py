"""The screens between the header and the keys, one file or folder each; `table.py` lists them."""
