"""PyTorch at the edge: describe a model, observe it at step 0. The only room that imports PyTorch."""
