"""The audited lesson shown: a page, a chapter, a notebook, a terminal."""
