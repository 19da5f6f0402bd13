"""How clients find their server."""
