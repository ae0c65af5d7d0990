"""MCP, the Model Context Protocol: tools by which agents use hostel. Each tool is a route, and is allowed what the route is."""
