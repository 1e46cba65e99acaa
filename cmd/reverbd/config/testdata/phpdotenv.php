<?php
// Parses each element of a JSON list on standard input as a .env file, as Laravel does, and prints a list of what each of them
// defines, or of the error.
require '/usr/share/php/Dotenv/autoload.php';

$results = [];
foreach (json_decode(stream_get_contents(STDIN), true, 512, JSON_THROW_ON_ERROR) as $file) {
    try {
        $results[] = ['vars' => (object) Dotenv\Dotenv::parse($file)];
    } catch (Dotenv\Exception\ExceptionInterface $e) {
        $results[] = ['error' => $e->getMessage()];
    }
}
echo json_encode($results, JSON_THROW_ON_ERROR | JSON_PRESERVE_ZERO_FRACTION);
