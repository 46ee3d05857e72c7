"""What is true of a network before its first step: proved, measured, or told why not."""
