-- Orders of accounts that reach a broker, with their own ids (the view `live_user_orders` of the runbooks).
SELECT orders.*, ids.status AS id_status
FROM orders
JOIN accounts ON accounts.id = orders.account_id AND accounts.kind = 'live'
LEFT JOIN order_lifecycle_ids AS ids ON ids.order_id = orders.id AND ids.id_type = 'order_id'
ORDER BY orders.created_at, orders.id;
