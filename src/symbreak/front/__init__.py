"""What `import symbreak` hands out: the jobs as functions, and thin views over their results; one module for a job."""
