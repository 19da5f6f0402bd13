"""Plain HTTP questions that belong to no mail protocol."""
