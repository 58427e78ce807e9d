"""What people see: progress, the review of a fix, reports."""
