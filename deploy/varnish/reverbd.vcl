# Varnish in front of reverbd: /etc/varnish/default.vcl, or the parts of it. A WebSocket is closed when nothing came on it for
# pipe_timeout, which is 60 seconds by default: reverbd pings a client that was silent for ping_interval (60) and gives it
# activity_timeout (30) to answer, so start varnishd with -p pipe_timeout=120 (systemctl edit varnish).
#
# Start reverbd with --trusted-proxies 127.0.0.1.
vcl 4.1;

import std;

backend reverbd {
    .host = "127.0.0.1";
    .port = "8080";
    .connect_timeout = 5s;
    .first_byte_timeout = 15s;
}

sub vcl_recv {
    # Varnish adds the client's address to X-Forwarded-For, and nothing to this one, which therefore says what the client made up.
    unset req.http.Forwarded;
    if (req.url ~ "^/app/" || req.url ~ "^/apps/" || req.url == "/up") {
        set req.backend_hint = reverbd;
        if (req.http.Upgrade ~ "(?i)^websocket$") {
            return (pipe);
        }
        # Too large a request is refused by its head. If reverbd refused it, Varnish would make a 503 of that.
        if (std.integer(req.http.Content-Length, 0) > 1048576) {
            return (synth(413));
        }
        return (pass); # nothing of reverbd's is for a cache
    }
}

sub vcl_synth {
    if (resp.status == 413) {
        set resp.http.Connection = "close"; # the body is not read
    }
}

sub vcl_backend_fetch {
    # A connection that is kept may be used for a pipe, too, and while reverbd restarts it leads to the process that is leaving.
    if (bereq.backend == reverbd) {
        set bereq.http.Connection = "close";
    }
}

sub vcl_pipe {
    if (req.http.Upgrade) {
        set bereq.http.Upgrade = req.http.Upgrade;
        set bereq.http.Connection = req.http.Connection;
    }
}
