# slimtune with every extra, at the versions of the lock (docs/install.md): docker build -t slimtune .
# a CUDA build of torch: --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cu130
ARG BASE=python:3.12-slim-bookworm
FROM ${BASE} AS build
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_EXTRA_INDEX_URL=${TORCH_INDEX}
# an older pip cannot build what comes without a wheel
RUN python3 -m venv /opt/slimtune && /opt/slimtune/bin/pip install --quiet 'pip>=23.1'
# the packages are a layer of their own, which a change of the code leaves as it is
COPY requirements.lock /build/
RUN /opt/slimtune/bin/pip install --quiet --constraint /build/requirements.lock torch \
 && /opt/slimtune/bin/pip install --quiet --no-deps --requirement /build/requirements.lock
COPY . /build/
RUN /opt/slimtune/bin/pip install --quiet --no-deps --no-build-isolation /build \
 && /opt/slimtune/bin/pip check

FROM ${BASE}
COPY --from=build /opt/slimtune /opt/slimtune
ENV PATH=/opt/slimtune/bin:${PATH}
RUN useradd --create-home --uid 1000 slimtune && mkdir /work && chown slimtune /work
USER slimtune
# what a command reads and writes: docker run --rm -v "$PWD:/work" slimtune sweep ...
WORKDIR /work
ENTRYPOINT ["slimtune"]
CMD ["--help"]
