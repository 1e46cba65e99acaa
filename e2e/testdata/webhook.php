<?php
// Checks a webhook as pusher/pusher-php-server does: by these two headers, spelled like this, and the body as it came; every event has a channel.
$headers = getallheaders();
$body = file_get_contents('php://input');
if (!isset($headers['X-Pusher-Key'])) { // the test looks whether the server is there
    return;
}
$expected = hash_hmac('sha256', $body, getenv('WEBHOOK_SECRET'));
$webhook = json_decode($body);
if ($headers['X-Pusher-Key'] !== getenv('WEBHOOK_KEY') || $expected !== $headers['X-Pusher-Signature'] || !is_int($webhook->time_ms)) {
    http_response_code(401);
    return;
}
foreach ($webhook->events as $event) {
    if (!is_string($event->channel)) {
        http_response_code(422);
        return;
    }
    echo $event->name;
}
