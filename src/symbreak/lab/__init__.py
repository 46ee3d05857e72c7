"""The web page on which one sees a symmetry break: everything is computed here, the page draws and asks."""
