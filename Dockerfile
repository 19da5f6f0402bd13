# The prober as a container: unprivileged, read-only root, state in /var/lib/prober.
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
COPY requirements.lock /build/
RUN python -m venv /opt/prober \
 && /opt/prober/bin/python -m pip install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes -r /build/requirements.lock \
 && /opt/prober/bin/python -m pip check
COPY prober /opt/prober/app/prober
RUN /opt/prober/bin/python -c "import sysconfig, pathlib; pathlib.Path(sysconfig.get_path('purelib'), 'prober.pth').write_text('/opt/prober/app')" \
 && printf '#!/opt/prober/bin/python\nfrom prober.cli import main\nmain()\n' > /opt/prober/bin/prober \
 && chmod 755 /opt/prober/bin/prober \
 && /opt/prober/bin/python -m compileall -q /opt/prober/app \
 && /opt/prober/bin/python -m pip uninstall --quiet --yes --disable-pip-version-check pip

FROM ${BASE}
ARG REVISION=unknown
ARG VERSION=unknown
ARG CREATED=1970-01-01T00:00:00Z
ARG BASE
LABEL org.opencontainers.image.title="client-access-prober" \
      org.opencontainers.image.description="Signs in to Exchange the way each mail client does, and says which client, which step and whose fault it is" \
      org.opencontainers.image.documentation="file:///opt/prober/share/doc/README.md" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.vendor="client-access-prober" \
      org.opencontainers.image.base.name="${BASE}" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.created="${CREATED}"
ENV PATH=/opt/prober/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PROBER_REVISION=${REVISION}
COPY --from=build /opt/prober /opt/prober
COPY LICENSE README.md /opt/prober/share/doc/
RUN mkdir -p /etc/prober /var/lib/prober && chown 65532:65532 /var/lib/prober
USER 65532:65532
VOLUME /var/lib/prober
EXPOSE 10143
STOPSIGNAL SIGTERM
# Where the prober listens elsewhere, or over TLS, PROBER_HEALTH_URL says so.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["prober", "health"]
ENTRYPOINT ["prober"]
CMD ["run", "--config.file=/etc/prober", "--storage.path=/var/lib/prober"]
