"""What can be typed, a file for each family of commands. A command's own module, with the libraries behind it, is
imported only when it is run."""
