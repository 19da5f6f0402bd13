/* The floor: what one probe costs a program that has nothing else to do, on the system's OpenSSL.
 *
 * floor https|imap PORT CA_FILE AT_ONCE: for each COUNT on a line of standard input so many times a new connection to
 * 127.0.0.1, TLS with the name `localhost` verified, and GET / and the first bytes of the answer, or greeting, LOGOUT
 * and what comes then; so many at once. Then prints {"cpu": SECONDS, "good": COUNT} as benchmarks.worker does. Ends with
 * 1 where the system will not.
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

enum { MOST = 64, WARM_UP = 64 };
static const char GET[] = "GET / HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n", LOGOUT[] = ". LOGOUT\r\n";

enum state { CONNECTING, GREETED, ASKED };
struct probe {
    int socket;
    SSL *ssl;
    enum state state;
};

static SSL_CTX *context;
static struct sockaddr_in server;
static int imap, at_once, epoll, begun, ended, good;

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
    probe->state = CONNECTING;
    SSL_set_fd(probe->ssl, probe->socket);
    SSL_set_tlsext_host_name(probe->ssl, "localhost");
    SSL_set1_host(probe->ssl, "localhost");
    SSL_set_connect_state(probe->ssl);
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, probe->socket, &event) < 0) fail("epoll_ctl");
    begun++;
}

static int ask(struct probe *probe, const char *request, size_t size) {
    probe->state = ASKED;
    return SSL_write(probe->ssl, request, size);
}

/* Return whether the probe is over; -1 from OpenSSL without a wish to wait ends it, too. */
static int step(struct probe *probe) {
    char answer[16384];
    int done;
    if (probe->state == CONNECTING) {
        done = SSL_do_handshake(probe->ssl);
        if (done == 1) {
            probe->state = GREETED;
            if (!imap) done = ask(probe, GET, sizeof GET - 1);
        }
    } else {
        done = SSL_read(probe->ssl, answer, sizeof answer);
        if (done > 0 && probe->state == GREETED) {
            if (done < 4 || memcmp(answer, "* OK", 4)) return 1;
            done = ask(probe, LOGOUT, sizeof LOGOUT - 1);
        } else if (done > 0) {
            const char *right = imap ? "* BYE" : "HTTP/1.1 200";
            good += done > 12 && !memcmp(answer, right, strlen(right));
            return 1;
        }
    }
    if (done > 0) return 0;
    int wish = SSL_get_error(probe->ssl, done);
    return wish != SSL_ERROR_WANT_READ && wish != SSL_ERROR_WANT_WRITE;
}

static void run(int count) {
    static struct probe probes[MOST];
    begun = ended = good = 0;
    for (int i = 0; i < at_once && i < count; i++) start(&probes[i]);
    while (ended < count) {
        struct epoll_event events[MOST];
        int ready = epoll_wait(epoll, events, MOST, 10000);
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
    if (argc != 5) return 2;
    imap = !strcmp(argv[1], "imap");
    at_once = atoi(argv[4]);
    if (at_once < 1 || at_once > MOST) return 2;
    server.sin_family = AF_INET;
    server.sin_port = htons(atoi(argv[2]));
    server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    context = SSL_CTX_new(TLS_client_method());
    if (SSL_CTX_load_verify_locations(context, argv[3], NULL) != 1) return 1;
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
