"""What a bank knows without a computer: money, accounts, postings and their rules. Standard library only, no I/O."""
