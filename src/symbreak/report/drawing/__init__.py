"""The lesson's figures drawn with Matplotlib: for a file, all of a figure; for a page, panel by panel."""
