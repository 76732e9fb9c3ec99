#!/usr/bin/env bash
# nginx as an HTTP authorisation service, over Unix sockets in the folder DIR: plain.sock, and tls.sock, which wants a
# client's certificate. Prints a line when it serves, and ends when its standard input does.
#
#   nginx.sh DIR CERTIFICATES
set -euo pipefail
folder=$1
certificates=$2
cat >"$folder/nginx.conf" <<END
daemon off;
master_process off;
pid $folder/nginx.pid;
error_log $folder/error.log;
events {}
http {
  access_log off;
  client_body_temp_path $folder/body;
  proxy_temp_path $folder/proxy;
  fastcgi_temp_path $folder/fastcgi;
  uwsgi_temp_path $folder/uwsgi;
  scgi_temp_path $folder/scgi;
  default_type text/plain;
  keepalive_timeout 60s;
  server {
    listen unix:$folder/plain.sock;
    listen unix:$folder/tls.sock ssl;
    ssl_certificate $certificates/server.pem;
    ssl_certificate_key $certificates/server.key;
    ssl_client_certificate $certificates/authority.pem;
    ssl_verify_client optional;
    # The user whom a password names may read; nobody else learns that there is anything.
    location /auth/ {
      if (\$http_authorization != "Bearer ann") {
        add_header WWW-Authenticate "Bearer realm=books" always;
        add_header X-Internal secret always;
        return 401 "who are you?\n";
      }
      if (\$request_method !~ ^(GET|HEAD)\$) { return 403 "read only\n"; }
      add_header X-User ann;
      add_header X-Asked "\$request_method \$request_uri \$host";
      add_header Set-Cookie "a=1";
      add_header Set-Cookie "b=2";
      add_header X-Envoy-Auth-Headers-To-Remove "authorization, host";
      return 200 "";
    }
    location /certificate {
      if (\$ssl_client_verify != SUCCESS) { return 403; }
      add_header X-Client \$ssl_client_s_dn;
      return 200 "";
    }
    location /failed { return 502; }
  }
}
END
nginx -p "$folder" -c "$folder/nginx.conf" </dev/null >&2 2>"$folder/start.log" &
server=$!
# Whoever starts this may have blocked all other signals.
trap 'kill -KILL "$server" 2>/dev/null' EXIT
until [[ -S $folder/tls.sock && -e $folder/nginx.pid ]]; do
  kill -0 "$server" 2>/dev/null || { cat "$folder/start.log" "$folder/error.log" >&2; exit 1; }
  read -rt 0.02 <> <(:) || true
done
echo 0
cat >/dev/null
