# Sourced by ./kafka: keystores, users and the properties of the listeners of `up --secure`.
# shellcheck shell=bash disable=SC2154 # what is not set here is set by ./kafka

secure_listeners() {
  cat <<'L'
SASL 1 SASL_PLAINTEXT
TLS 2 SSL
MTLS 3 SSL
SASLTLS 4 SASL_SSL
EXPIRED 5 SSL
OTHERNAME 6 SSL
OAUTH 7 SASL_PLAINTEXT
OAUTHTLS 8 SASL_SSL
L
}

# PLAIN and SCRAM know alice, PLAIN also a user as Event Hubs have it.
PASSWORD=alice-secret
CONNECTION_STRING='Endpoint=sb://planted.example/;SharedAccessKeyName=all;SharedAccessKey=planted+key/0='

# After so long a client has to log in again on the connection that it has (KIP-368).
REAUTH_MS=4000

secure_properties() {
  sasl SASL
  sasl SASLTLS
  oauth OAUTH
  oauth OAUTHTLS
  reauthenticated SASLTLS
  reauthenticated OAUTH
  reauthenticated OAUTHTLS
  tls TLS server none
  tls MTLS server required
  tls SASLTLS server none
  tls OAUTHTLS server none
  tls EXPIRED expired none
  tls OTHERNAME othername none
}

sasl() { # LISTENER
  local p=listener.name.${1,,}
  cat <<P
$p.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512
$p.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_alice="$PASSWORD" user_\$ConnectionString="$CONNECTION_STRING";
$p.scram-sha-256.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
$p.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
P
}

# Takes any unsecured JSON web token (alg none) with sub, iat and exp.
oauth() { # LISTENER
  local p=listener.name.${1,,}
  cat <<P
$p.sasl.enabled.mechanisms=OAUTHBEARER
$p.oauthbearer.sasl.jaas.config=org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;
P
}

reauthenticated() { # LISTENER
  echo "listener.name.${1,,}.connections.max.reauth.ms=$REAUTH_MS"
}

tls() { # LISTENER CERTIFICATE CLIENT_AUTH
  local p=listener.name.${1,,}
  cat <<P
$p.ssl.keystore.type=PEM
$p.ssl.keystore.location=$DATA/tls/$2-keystore.pem
$p.ssl.truststore.type=PEM
$p.ssl.truststore.location=$DATA/tls/ca.pem
$p.ssl.client.auth=$3
P
}

scram_users() { # flags of StorageTool, one a line
  local mechanism
  for mechanism in SCRAM-SHA-256 SCRAM-SHA-512; do
    printf '%s\n' --add-scram "$mechanism=[name=alice,password=$PASSWORD]"
  done
}

# Beside the certificates of certificates.sh: new-client.pem, and new-server-keystore.pem, whose CA is other-ca.pem,
# to change to.
make_keystores() {
  local t=$DATA/tls name
  make_certificates
  certificate new-client ca /CN=bridge 'DNS:bridge'
  certificate new-server other-ca /CN=localhost 'DNS:localhost,IP:127.0.0.1'
  for name in server othername expired; do
    cat "$t/$name.key" "$t/$name.pem" "$t/ca.pem" >"$t/$name-keystore.pem"
  done
  cat "$t/new-server.key" "$t/new-server.pem" "$t/other-ca.pem" >"$t/new-server-keystore.pem"
}
