/* The least that a program can pay for a record with a delivery report: librdkafka, C, nothing else.
 * Takes the same arguments as node-rdkafka.ts and addon.ts, and prints the same line of JSON.
 */
#include <librdkafka/rdkafka.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define WINDOW 10000
#define KEYS 1000
#define PAYLOAD_BYTES 200

struct arguments {
  const char *brokers, *topic, *linger_ms;
  long messages, warmup;
  int headers;
};

static long reported, failed;
static char keys[KEYS][17];

static void on_report(rd_kafka_t *rk, const rd_kafka_message_t *message, void *opaque) {
  (void)rk;
  (void)opaque;
  reported++;
  if (message->err) failed++;
}

static void die(const char *what) {
  fprintf(stderr, "produce: %s\n", what);
  exit(1);
}

static double cpu_us(void) {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 + usage.ru_utime.tv_usec +
         usage.ru_stime.tv_usec;
}

static double now_s(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec + now.tv_nsec / 1e9;
}

static struct arguments parse(int argc, char **argv) {
  struct arguments given = {"127.0.0.1:9092", "native-bench", "0", 1000000, 50000, 0};
  for (int i = 1; i + 1 < argc; i += 2) {
    const char *name = argv[i], *value = argv[i + 1];
    if (!strcmp(name, "--brokers")) given.brokers = value;
    else if (!strcmp(name, "--topic")) given.topic = value;
    else if (!strcmp(name, "--linger-ms")) given.linger_ms = value;
    else if (!strcmp(name, "--messages")) given.messages = atol(value);
    else if (!strcmp(name, "--warmup")) given.warmup = atol(value);
    else if (!strcmp(name, "--headers")) given.headers = atoi(value);
    else die("unknown argument");
  }
  return given;
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
  char reason[256];
  if (rd_kafka_conf_set(conf, name, value, reason, sizeof reason) != RD_KAFKA_CONF_OK) die(reason);
}

static rd_kafka_t *open_producer(const struct arguments *given) {
  char reason[256];
  rd_kafka_conf_t *conf = rd_kafka_conf_new();
  /* The same as SETTINGS in workload.ts. */
  set(conf, "bootstrap.servers", given->brokers);
  set(conf, "linger.ms", given->linger_ms);
  set(conf, "acks", "1");
  set(conf, "max.in.flight.requests.per.connection", "5");
  set(conf, "queue.buffering.max.messages", "10000000");
  set(conf, "partitioner", "murmur2_random");
  rd_kafka_conf_set_dr_msg_cb(conf, on_report);
  rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, reason, sizeof reason);
  if (!rk) die(reason);
  return rk;
}

static int send_one(rd_kafka_t *rk, rd_kafka_topic_t *topic, long n, int headers) {
  static char payload[PAYLOAD_BYTES];
  const char *key = keys[n % KEYS];
  memset(payload, 'a' + n % 26, 16);
  if (headers == 0) {
    return rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, payload,
                            sizeof payload, key, 16, NULL);
  }
  rd_kafka_headers_t *list = rd_kafka_headers_new(headers);
  for (int h = 0; h < headers; h++) {
    char name[16];
    int bytes = snprintf(name, sizeof name, "header-%d", h);
    rd_kafka_header_add(list, name, bytes, "a value of header", 17);
  }
  rd_kafka_resp_err_t error =
      rd_kafka_producev(rk, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                        RD_KAFKA_V_VALUE(payload, sizeof payload), RD_KAFKA_V_KEY(key, 16),
                        RD_KAFKA_V_HEADERS(list), RD_KAFKA_V_END);
  if (error) rd_kafka_headers_destroy(list);
  return error ? -1 : 0;
}

static void send_all(rd_kafka_t *rk, rd_kafka_topic_t *topic, long messages, int headers) {
  long sent = 0;
  reported = 0;
  while (reported < messages) {
    for (; sent < messages && sent - reported < WINDOW; sent++) {
      if (send_one(rk, topic, sent, headers)) die("librdkafka refused a record");
    }
    rd_kafka_poll(rk, 100);
  }
}

int main(int argc, char **argv) {
  struct arguments given = parse(argc, argv);
  for (int n = 0; n < KEYS; n++) snprintf(keys[n], sizeof keys[n], "key-%012d", n);
  rd_kafka_t *rk = open_producer(&given);
  rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, given.topic, NULL);
  if (!topic) die("no such topic");
  if (given.warmup > 0) send_all(rk, topic, given.warmup, given.headers);
  double cpu = cpu_us(), start = now_s();
  send_all(rk, topic, given.messages, given.headers);
  cpu = cpu_us() - cpu;
  double seconds = now_s() - start;
  if (failed) die("a record was not delivered");
  printf("{\"cpuUsPerMessage\":%.4f,\"messagesPerSecond\":%.0f}\n", cpu / given.messages,
         given.messages / seconds);
  rd_kafka_topic_destroy(topic);
  rd_kafka_destroy(rk);
  return 0;
}
