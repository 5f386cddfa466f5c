# Sourced by the server scripts: the certificates of `up --secure`.
# shellcheck shell=bash disable=SC2154 # what is not set here is set by whoever sources it

# In $DATA/tls: ca.pem and other-ca.pem; client.pem with client.key and, with a pass phrase,
# client-encrypted.key; other-client.pem, which the server does not trust.
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
  certificate other-client other-ca /CN=bridge 'DNS:bridge'
  openssl pkcs8 -topk8 -v2 aes-256-cbc -in "$t/client.key" -out "$t/client-encrypted.key" \
    -passout pass:phrase-secret
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
