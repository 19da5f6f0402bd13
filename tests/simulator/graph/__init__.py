"""Graph, held against what its documentation shows and against clients that nobody here wrote."""
