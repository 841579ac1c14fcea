"""The tutorial pack: two nodes of a few lines each. README.md beside this file walks through them."""
