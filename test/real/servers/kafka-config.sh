# Sourced by ./kafka: server.properties and the storage of each broker.
# shellcheck shell=bash disable=SC2153,SC2154 # what is not set here is set by ./kafka

bytes() {
  case $1 in
    *[!0-9]*[!0-9]* | '') die "not a size: $1" ;;
    *[mM]) echo $((${1%?} * 1048576)) ;;
    *[kK]) echo $((${1%?} * 1024)) ;;
    *[!0-9]) die "not a size: $1" ;;
    *) echo "$1" ;;
  esac
}

# Name, offset and protocol of each listener for clients.
listeners() {
  echo 'PLAINTEXT 0 PLAINTEXT'
  if [ -n "$SECURE" ]; then secure_listeners; fi
  # Behind it the offsets of the secure ones: one server has these or those.
  if [ ${#PROXIED[@]} != 0 ]; then echo 'PROXIED 1 PLAINTEXT'; fi
}

configure() { # BROKER
  local i=$1 base=$((PORT + ($1 - 1) * STEP)) rf=1 isr=1 voters='' k name offset protocol
  local listen='' advertise='' map='' line port
  case $BROKERS in 1) ;; 2) rf=2 ;; *) rf=3 isr=2 ;; esac
  for k in $(seq 1 "$BROKERS"); do
    voters+=${voters:+,}$k@$HOST:$((PORT + (k - 1) * STEP + CONTROLLER_PORT))
  done
  while read -r name offset protocol; do
    listen+=$name://$HOST:$((base + offset)),
    port=$((base + offset))
    # Clients come through the proxy, while the brokers speak to each other without one.
    if [ "$name" = PROXIED ]; then port=${PROXIED[i - 1]}; fi
    advertise+=${advertise:+,}$name://$HOST:$port
    map+=$name:$protocol,
  done < <(listeners)
  mkdir -p "$DATA/$i/tmp"
  {
    cat <<P
process.roles=broker,controller
node.id=$i
controller.quorum.voters=$voters
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listeners=${listen}CONTROLLER://$HOST:$((base + CONTROLLER_PORT))
advertised.listeners=$advertise
listener.security.protocol.map=${map}CONTROLLER:PLAINTEXT
log.dirs=$DATA/$i/log
num.partitions=4
default.replication.factor=$rf
min.insync.replicas=$isr
offsets.topic.replication.factor=$rf
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=$rf
transaction.state.log.min.isr=$isr
transaction.state.log.num.partitions=8
share.coordinator.state.topic.replication.factor=$rf
share.coordinator.state.topic.min.isr=$isr
share.coordinator.state.topic.num.partitions=4
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=16777216
P
    if [ -n "$SECURE" ]; then secure_properties; fi
    if [ -n "$MAX" ]; then printf '%s\n' "message.max.bytes=$MAX" "replica.fetch.max.bytes=$MAX"; fi
    for line in "${SETS[@]}"; do echo "$line"; done
  } >"$DATA/$i/server.properties"
}

# Formats the storage of every broker. One Java does it for the first; the others differ in their
# node id and the id of their directory only.
format() {
  local i first=$DATA/1/log users=()
  if [ -n "$SECURE" ]; then mapfile -t users < <(scram_users); fi
  # shellcheck disable=SC2046
  java -Xmx256m -XX:TieredStopAtLevel=1 $(archive_flags) "$LOG4J" -cp "$CLASSES" kafka.tools.StorageTool \
    format -t "$CLUSTER_ID" -c "$DATA/1/server.properties" "${users[@]}" >"$DATA/1/format.log" 2>&1 ||
    { cat "$DATA/1/format.log" >&2; die 'the storage could not be formatted'; }
  for i in $(seq 2 "$BROKERS"); do
    cp -r "$first" "$DATA/$i/log"
    sed -i -e "s/^node.id=.*/node.id=$i/" -e "s/^directory.id=../directory.id=M$i/" \
      "$DATA/$i/log/meta.properties"
  done
}
