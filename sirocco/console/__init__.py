"""Live streams: events to browsers, and serial consoles of machines. One asyncio process, no business rules."""
