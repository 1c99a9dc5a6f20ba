-- Whether a migrated database is whole, on PostgreSQL: psql -f migrations/validate_postgresql.sql NAME
-- `main.py migrate validate` runs the same. A row says ok or WRONG where something can be wrong.

-- Orders by status
SELECT status, count(*) AS orders FROM orders GROUP BY status ORDER BY status;

-- No order has an old status
SELECT count(*) AS old_status, CASE WHEN count(*) = 0 THEN 'ok' ELSE 'WRONG' END AS verdict
FROM orders WHERE status NOT IN ('pending', 'ongoing', 'closed', 'failed', 'cancelled');

-- Every order has a status and a time of creation
SELECT count(*) AS total, count(status) AS with_status, count(created_at) AS with_created_at,
    CASE WHEN count(*) = count(status) AND count(*) = count(created_at) THEN 'ok' ELSE 'WRONG' END AS verdict
FROM orders;

-- Every order has a reason
SELECT count(*) AS total, count(nullif(trim(reason), '')) AS with_reason,
    CASE WHEN count(*) = count(nullif(trim(reason), '')) THEN 'ok' ELSE 'WRONG' END AS verdict
FROM orders;

-- Type and length of reason
SELECT c.data_type AS type, c.character_maximum_length AS length,
    (SELECT coalesce(max(length(reason)), 0) FROM orders) AS longest,
    CASE WHEN c.data_type = 'character varying' AND c.character_maximum_length = 512 THEN 'ok' ELSE 'WRONG' END AS verdict
FROM information_schema.columns AS c
WHERE c.table_schema = current_schema() AND c.table_name = 'orders' AND c.column_name = 'reason';

-- Users and symbols
SELECT count(DISTINCT user_id) AS users, count(DISTINCT symbol) AS symbols FROM orders;

-- Orders of the last hour with an old status
SELECT count(*) AS old_status, CASE WHEN count(*) = 0 THEN 'ok' ELSE 'WRONG' END AS verdict
FROM orders WHERE created_at >= now() - interval '1 hour'
    AND status NOT IN ('pending', 'ongoing', 'closed', 'failed', 'cancelled');

-- Orders of the last hour without a reason
SELECT count(*) AS without_reason, CASE WHEN count(*) = 0 THEN 'ok' ELSE 'WRONG' END AS verdict
FROM orders WHERE created_at >= now() - interval '1 hour'
    AND coalesce(trim(reason), '') = '';

-- Every event belongs to an order
SELECT count(*) AS events, count(*) - count(o.id) AS without_order,
    CASE WHEN count(*) = count(o.id) THEN 'ok' ELSE 'WRONG' END AS verdict
FROM order_events AS e LEFT JOIN orders AS o ON o.id = e.order_id;
