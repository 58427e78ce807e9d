"""What is true: the things fixer talks about, and the rules they keep. Standard library only."""
