"""The tutorial pack: three nodes of a few lines each. README.md beside this file walks through them."""
