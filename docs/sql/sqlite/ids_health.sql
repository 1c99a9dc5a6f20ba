-- Health of the lifecycle ids: each query must return no row.

-- Two active ids of one order and type.
SELECT order_id, id_type, count(*) AS active
FROM order_lifecycle_ids
WHERE status = 'active'
GROUP BY order_id, id_type
HAVING count(*) > 1;

-- An id without its order.
SELECT ids.lifecycle_id, ids.order_id
FROM order_lifecycle_ids AS ids
LEFT JOIN orders ON orders.id = ids.order_id
WHERE orders.id IS NULL;

-- An order without its own id: `main.py ids migrate` adds it.
SELECT orders.id
FROM orders
LEFT JOIN order_lifecycle_ids AS ids ON ids.order_id = orders.id AND ids.id_type = 'order_id'
WHERE ids.lifecycle_id IS NULL;
