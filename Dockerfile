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
LABEL org.opencontainers.image.title="client-access-prober" \
      org.opencontainers.image.description="Signs in to Exchange the way each mail client does" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${REVISION}"
ENV PATH=/opt/prober/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PROBER_REVISION=${REVISION}
COPY --from=build /opt/prober /opt/prober
RUN mkdir -p /etc/prober /var/lib/prober && chown 65532:65532 /var/lib/prober
USER 65532:65532
VOLUME /var/lib/prober
EXPOSE 10143
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:10143/-/healthy', timeout=4)"]
ENTRYPOINT ["prober"]
CMD ["run", "--config.file=/etc/prober", "--storage.path=/var/lib/prober"]
