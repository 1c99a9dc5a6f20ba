-- Orders of paper accounts, with their own ids (the view `demo_user_orders` of the runbooks).
SELECT orders.*, ids.status AS id_status
FROM orders
LEFT JOIN accounts ON accounts.id = orders.account_id
LEFT JOIN order_lifecycle_ids AS ids ON ids.order_id = orders.id AND ids.id_type = 'order_id'
WHERE coalesce(accounts.kind, 'paper') = 'paper'
ORDER BY orders.created_at, orders.id;
