"""What the strategies do, with histories made by hand."""
