# CPU and GPU in one image: torch's wheels bring CUDA, `docker run --gpus all` makes it visible.
#   docker build -t diiqn-lightning --build-arg REVISION="$(git rev-parse --short=12 HEAD)" .
#   mkdir -p runs   # else Docker makes it, as root
#   docker run --rm --user "$(id -u):$(id -g)" -e HOME=/tmp -v "$PWD/runs:/home/agent/runs" diiqn-lightning fit --config configs/diiqn.yaml
FROM python:3.12-slim

RUN useradd --create-home --uid 1000 agent
WORKDIR /home/agent
COPY --chown=agent:agent pyproject.toml constraints.txt README.md LICENSE NOTICE ./
COPY --chown=agent:agent src ./src
RUN pip install --no-cache-dir --constraint constraints.txt .
COPY --chown=agent:agent configs ./configs
COPY --chown=agent:agent experts ./experts
RUN install -d -o agent -g agent runs
# Runs name the revision of the source that they were made with.
ARG REVISION=
ENV DIIQN_LIGHTNING_REVISION=$REVISION
USER agent
ENTRYPOINT ["python", "-m", "diiqn_lightning"]
CMD ["--help"]
