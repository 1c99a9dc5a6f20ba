-- How many lifecycle ids there are, and how many are active, by type and by day (UTC).
SELECT id_type, count(*) AS ids, count(*) FILTER (WHERE status = 'active') AS active
FROM order_lifecycle_ids
GROUP BY id_type
ORDER BY id_type;

SELECT to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, count(*) AS ids,
       count(*) FILTER (WHERE status = 'active') AS active
FROM order_lifecycle_ids
GROUP BY day
ORDER BY day;
