-- One order's value in cents; nothing for an order that does not exist.
CREATE FUNCTION order_total(wanted bigint) RETURNS bigint
LANGUAGE sql STABLE
AS $$
    SELECT sum(quantity::bigint * price_cents) FROM order_lines WHERE order_id = wanted;
$$;

-- 129900 becomes '1299.00 CHF'.
CREATE FUNCTION in_francs(cents bigint, currency text DEFAULT 'CHF') RETURNS text
LANGUAGE plpgsql IMMUTABLE
AS $body$
BEGIN
    IF cents IS NULL THEN
        RETURN '—';  -- not known; 'zero' would be a lie
    END IF;
    RETURN format($f$%s.%s %s$f$, cents / 100, lpad((abs(cents) % 100)::text, 2, '0'), currency);
END;
$body$;
