SELECT 1; -- changed
