/* The floor: what one probe costs a program that has nothing else to do, sixteen at a time, on the system's OpenSSL.
 *
 * floor PORT CA_FILE: for each COUNT on a line of standard input so many times a new connection to 127.0.0.1, TLS with
 * the name `localhost` verified, GET / and the first bytes of the answer; then prints {"cpu": SECONDS, "good": COUNT} as
 * benchmarks.worker does. Ends with 1 where the system will not.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONCURRENCY = 16, WARM_UP = 16 };
static const char REQUEST[] = "GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n";

struct probe {
    int socket;
    SSL *ssl;
    int asked;
};

static SSL_CTX *context;
static struct sockaddr_in server;
static int epoll, begun, ended, good;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void start(struct probe *probe) {
    struct epoll_event event = {.events = EPOLLOUT, .data.ptr = probe};
    probe->socket = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (probe->socket < 0) fail("socket");
    if (connect(probe->socket, (struct sockaddr *)&server, sizeof server) < 0 && errno != EINPROGRESS) fail("connect");
    probe->ssl = SSL_new(context);
    probe->asked = 0;
    SSL_set_fd(probe->ssl, probe->socket);
    SSL_set_tlsext_host_name(probe->ssl, "localhost");
    SSL_set1_host(probe->ssl, "localhost");
    SSL_set_connect_state(probe->ssl);
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, probe->socket, &event) < 0) fail("epoll_ctl");
    begun++;
}

/* Return whether the probe is over; -1 from OpenSSL without a wish to wait ends it, too. */
static int step(struct probe *probe) {
    char answer[16384];
    int done;
    if (!probe->asked) {
        done = SSL_do_handshake(probe->ssl);
        if (done == 1) {
            probe->asked = 1;
            done = SSL_write(probe->ssl, REQUEST, sizeof REQUEST - 1);
        }
    } else {
        done = SSL_read(probe->ssl, answer, sizeof answer);
        if (done > 0) {
            good += done > 12 && !memcmp(answer, "HTTP/1.1 200", 12);
            return 1;
        }
    }
    if (done > 0) return 0;
    int wish = SSL_get_error(probe->ssl, done);
    return wish != SSL_ERROR_WANT_READ && wish != SSL_ERROR_WANT_WRITE;
}

static void run(int count) {
    static struct probe probes[CONCURRENCY];
    begun = ended = good = 0;
    for (int i = 0; i < CONCURRENCY && i < count; i++) start(&probes[i]);
    while (ended < count) {
        struct epoll_event events[CONCURRENCY];
        int ready = epoll_wait(epoll, events, CONCURRENCY, 10000);
        if (ready <= 0) fail("epoll_wait");
        for (int i = 0; i < ready; i++) {
            struct probe *probe = events[i].data.ptr;
            if (!step(probe)) {
                struct epoll_event event = {.events = EPOLLIN, .data.ptr = probe};
                if (epoll_ctl(epoll, EPOLL_CTL_MOD, probe->socket, &event) < 0) fail("epoll_ctl");
                continue;
            }
            SSL_shutdown(probe->ssl);
            SSL_free(probe->ssl);
            close(probe->socket);
            ended++;
            if (begun < count) start(probe);
        }
    }
}

static double used(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv) {
    int count;
    if (argc != 3) return 2;
    server.sin_family = AF_INET;
    server.sin_port = htons(atoi(argv[1]));
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    context = SSL_CTX_new(TLS_client_method());
    if (SSL_CTX_load_verify_locations(context, argv[2], NULL) != 1) return 1;
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    if ((epoll = epoll_create1(0)) < 0) fail("epoll_create1");
    run(WARM_UP);
    while (scanf("%d", &count) == 1) {
        double before = used();
        run(count);
        printf("{\"cpu\": %.6f, \"good\": %d}\n", used() - before, good);
        fflush(stdout);
    }
    return 0;
}
