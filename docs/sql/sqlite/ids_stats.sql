-- How many lifecycle ids there are, and how many are active, by type and by day (UTC).
SELECT id_type, count(*) AS ids, sum(status = 'active') AS active
FROM order_lifecycle_ids
GROUP BY id_type
ORDER BY id_type;

SELECT substr(created_at, 1, 10) AS day, count(*) AS ids, sum(status = 'active') AS active
FROM order_lifecycle_ids
GROUP BY day
ORDER BY day;
