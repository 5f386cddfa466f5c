# Sourced by ./kafka: certificates, users and the properties of the listeners of `up --secure`.
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

# In $DATA/tls: ca.pem and other-ca.pem; client.pem with client.key and, with a pass phrase,
# client-encrypted.key; other-client.pem, which Kafka does not trust; and others to change to: new-client.pem,
# and new-server-keystore.pem, whose CA is other-ca.pem.
make_certificates() {
  local t=$DATA/tls name
  mkdir -p "$t"
  for name in ca other-ca; do
    openssl req -x509 -newkey rsa:2048 -nodes -keyout "$t/$name.key" -out "$t/$name.pem" -days 3650 \
      -subj "/CN=Millrace test $name" -addext basicConstraints=critical,CA:TRUE \
      -addext keyUsage=critical,keyCertSign,cRLSign 2>/dev/null || die 'openssl made no CA'
  done
  certificate server ca /CN=localhost 'DNS:localhost,IP:127.0.0.1'
  certificate othername ca /CN=kafka.example 'DNS:kafka.example'
  certificate expired ca /CN=localhost 'DNS:localhost,IP:127.0.0.1' 20200101000000Z 20200201000000Z
  certificate client ca /CN=bridge 'DNS:bridge'
  certificate new-client ca /CN=bridge 'DNS:bridge'
  certificate new-server other-ca /CN=localhost 'DNS:localhost,IP:127.0.0.1'
  certificate other-client other-ca /CN=bridge 'DNS:bridge'
  openssl pkcs8 -topk8 -v2 aes-256-cbc -in "$t/client.key" -out "$t/client-encrypted.key" \
    -passout pass:phrase-secret
  for name in server othername expired; do
    cat "$t/$name.key" "$t/$name.pem" "$t/ca.pem" >"$t/$name-keystore.pem"
  done
  cat "$t/new-server.key" "$t/new-server.pem" "$t/other-ca.pem" >"$t/new-server-keystore.pem"
}

certificate() { # NAME CA SUBJECT ALTERNATIVE_NAMES [FROM TO]
  local t=$DATA/tls from=${5:-$(date -u -d '-1 day' +%Y%m%d%H%M%SZ)} to=${6:-20990101000000Z}
  openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$t/$1.key" 2>/dev/null
  openssl req -new -key "$t/$1.key" -out "$t/$1.csr" -subj "$3" 2>/dev/null
  mkdir -p "$t/db-$1"
  : >"$t/db-$1/index"
  cat >"$t/db-$1/config" <<C
[ca]
default_ca = own
[own]
database = $t/db-$1/index
new_certs_dir = $t/db-$1
rand_serial = yes
default_md = sha256
policy = any
x509_extensions = names
[any]
commonName = supplied
[names]
subjectAltName = $4
C
  openssl ca -batch -notext -config "$t/db-$1/config" -cert "$t/$2.pem" -keyfile "$t/$2.key" \
    -startdate "$from" -enddate "$to" -in "$t/$1.csr" -out "$t/$1.pem" 2>/dev/null ||
    die "openssl made no certificate $1"
  rm -r "$t/db-$1" "$t/$1.csr"
}
