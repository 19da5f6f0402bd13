"""One configuration on several processes: who works on what, how they speak, and who looks after them."""
